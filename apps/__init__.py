"""What people look at: the portal, its pages and the components they share."""
