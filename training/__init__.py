"""Learning sound direction and camera rotation from each other."""
