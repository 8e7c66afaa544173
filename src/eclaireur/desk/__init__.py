"""The desk: the web application that agents work in."""
