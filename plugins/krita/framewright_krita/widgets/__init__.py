"""What a painter sees. Nothing here knows Krita's documents or the protocol."""
