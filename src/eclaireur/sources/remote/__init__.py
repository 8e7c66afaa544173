"""Fetches what others publish: data.gouv.fr, any address, a folder, an S3-compatible store."""
