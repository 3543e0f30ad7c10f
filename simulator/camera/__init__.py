"""Pictures of a scene: color, depth and instances. May import: scene, config, errors."""
