"""The command line. Commands are thin: what they do lives in `eclaireur.service`."""
