"""What the tests share: processes, a faulty Vapi, generated arguments."""
