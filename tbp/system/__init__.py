"""Files written whole, work shared out to processes, and what is kept from one run of tbp to the next."""
