"""The optional habitat-sim camera. May import: acoustics, camera, loaders, scene, config, errors."""
