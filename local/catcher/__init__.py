"""Takes what ./run sends, so that it can be looked at without accounts: mail, Slack, webhooks.

A mail server, a stand-in for Slack and for webhook receivers, and a page that shows what came. All
listen on this machine only, what came is kept in .local/caught, and nothing is sent on.
"""
