"""Credentials for Amazon Web Services: where they come from and how they are renewed. Signing with them is not here."""
