"""From the events of a feed to timelines; it knows no codes and no payer.

Of one order: `orders` says what was ordered, `corrections` which rows stand, `running` when the
drug ran, `doses` how much of which drug, and `administrations` takes these steps in their order.
Of one visit: `context` holds patient, class and payer, and `visit` takes in event by event. Of all
visits: `merges` follows numbers that were merged, and `feed` takes in message by message.
"""
