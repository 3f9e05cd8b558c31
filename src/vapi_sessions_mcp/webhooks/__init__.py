"""Vapi's server messages about sessions, and who hears of them."""
