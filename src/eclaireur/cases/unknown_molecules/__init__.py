"""Unknown molecules: tandem mass spectra searched in libraries, levels of confidence, sources of pollution."""
