"""What is recorded of students' years, read in lots so that memory stays flat."""
