"""What goes on by itself: sends off, brings back, repairs and erases."""
