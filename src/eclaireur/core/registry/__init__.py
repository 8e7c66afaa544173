"""Models that we trained, each with its card: stored by hash, never pickled, never changed."""

from eclaireur.core.registry.cards import card_from_json, card_to_json, seal
from eclaireur.core.registry.store import Registry

__all__ = ["Registry", "card_from_json", "card_to_json", "seal"]
