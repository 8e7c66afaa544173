"""Ranks firms by their chance of hiring, by job and near a place."""
