"""What every case shares: types, lake, runs, journal, registry, engine, evaluation."""
