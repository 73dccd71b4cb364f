-- Whoever does what was asked under an Idempotency-Key waits for Airflow without a connection: until when
-- nobody else takes the key up. NULL when a lock of the session says it, or when nobody is at work on it.
ALTER TABLE idempotency_keys ADD COLUMN taken_until timestamptz;
ALTER TABLE idempotency_keys ADD CONSTRAINT what_was_answered_is_not_taken
CHECK (status IS NULL OR taken_until IS NULL);
