"""DingTalk: what its messages say, its proof, its kit, its connection, its way out, and a whole talk."""
