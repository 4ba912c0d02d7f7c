//! Who is banned, when and for how long: one pure state machine that takes inputs and gives effects.
