//! What lies on disk: models and their manifests.
