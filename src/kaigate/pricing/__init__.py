"""What tokens cost, in integer nano-dollars."""
