"""What a user does with a case, whatever the case and whoever asks: command line, desk or notebook."""
