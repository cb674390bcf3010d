# Olist's Brazilian e-commerce data: payments and reviews. Times have no offset: they are read in the tenant's time zone.

def time: instant_in("%Y-%m-%d %H:%M:%S");

# A payment has no time: it is received when its order is approved.
def payment:
  "\(.order_id)/\(.payment_sequential)" as $id
  | (lookup("orders"; "order_id"; .order_id) // refuse("the order is not in olist_orders_dataset.csv")) as $order
  | ($order.order_approved_at | time // refuse("no order_approved_at: the order was never approved")) as $at
  # Each is its own receivable, due and paid at once: an order may be paid in several ways.
  | { account_id: $order.customer_id, occurred_at: $at } as $envelope
  | { type: "payment.due", event_id: "\($id):due" } + $envelope
      + { data: { receivable_id: $id, amount: .payment_value, currency: "BRL", due_on: $at[:10] } },
    { type: "payment.received", event_id: "\($id):received" } + $envelope
      + { data: { receivable_id: $id, payment_id: $id, amount: .payment_value, currency: "BRL", method: .payment_type } };

# A review may be of several orders, and an order may have several reviews.
def review:
  "\(.review_id)/\(.order_id)" as $id
  | {
      type: "survey.answered",
      event_id: $id,
      account_id: (if given("orders") then lookup("orders"; "order_id"; .order_id).customer_id else null end),
      occurred_at: (.review_answer_timestamp | time // refuse("no review_answer_timestamp")),
      data: { survey_id: $id, kind: "csat", score: .review_score, max_score: "5" }
    } | filled;

if has("payment_sequential") then payment
elif has("review_score") then review
else refuse("the columns are those of neither the payments nor the reviews")
end
