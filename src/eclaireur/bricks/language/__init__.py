"""Language models of others: a client of any OpenAI-compatible server, which writes and never acts."""
