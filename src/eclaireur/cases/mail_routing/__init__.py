"""Mail routing: the service a message should go to, said with a calibrated chance, or left to a person."""
