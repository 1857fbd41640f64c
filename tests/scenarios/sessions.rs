//! Randomised sessions: clients, registrars, faults and users drawn from a seed.
