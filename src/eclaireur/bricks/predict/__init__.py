"""Predictive models on event tables: as-of features, observers as a nuisance, calibrated scores."""
