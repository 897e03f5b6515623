"""WeCom and WeChat: the kit, published vectors, and a platform that limits and fails as theirs does."""
