"""Unknown molecules: tandem mass spectra in libraries, levels of confidence, sources of pollution."""
