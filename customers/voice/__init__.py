"""What people say in public: how they feel, about what, of which product, and when it turns."""
