-- Hear what wakes the queue: every function that stores or frees a job notifies this channel.
LISTEN doclife_queue;
