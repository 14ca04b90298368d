"""Trains, quantizes and exports the networks that visaged runs."""
