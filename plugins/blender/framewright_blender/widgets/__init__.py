"""What an artist sees: properties, operators, panels. Nothing here knows the protocol."""
