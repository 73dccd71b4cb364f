-- Run the rest of the transaction as the owner of the schema, so that everything belongs to it.
SET LOCAL ROLE doclife_owner;
