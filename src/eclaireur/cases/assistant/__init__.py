"""Answers a question from cited sheets, or says that the sources do not say."""
