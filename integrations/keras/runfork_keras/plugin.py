"""What runfork's core asks of this integration."""
