"""Records of students' years, streamed from the database in constant memory."""
