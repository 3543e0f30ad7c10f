"""Sound in a scene: materials, air, image sources, ray tracing, room metrics. May import: scene, config, errors."""
