"""Small language models of our own as ordinary Hugging Face folders, and batched generation with any such folder."""
