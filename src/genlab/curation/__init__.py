"""What is taught: texts and instructions made from skills, filtered, and left as ordinary datasets."""
