"""Views of a scene: colour, depth and instances. May import: scene, config, errors."""
