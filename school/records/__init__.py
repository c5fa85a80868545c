"""What is recorded of students' years, read in streams so that memory stays flat."""
