"""Feishu: what its events say, its proof, its kit, its way out, and a whole talk."""
