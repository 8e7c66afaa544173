"""Who may enter the desk: passwords, throttling, one-time links, keys, and the acts of an administrator."""
