"""Training of the face finder: a small network that says where faces are in a grey picture."""
