"""The other ends of facteurd's conversations: real programs where there are some, and a receiver that can misbehave."""
