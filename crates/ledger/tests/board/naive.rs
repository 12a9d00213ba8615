//! A board as one would write it on paper: a list of orders, looked through from the top.

use types::InstructionId;

/// An order, or what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub id: InstructionId,
    pub buys: bool,
    pub price: i64,
    pub quantity: i64,
}

/// Orders in the order in which they came, and what was told since somebody looked.
#[derive(Default)]
pub struct Naive {
    pub standing: Vec<Wanted>,
    /// Buyer, seller, quantity, price.
    pub fills: Vec<(InstructionId, InstructionId, i64, i64)>,
    pub refused: u32,
}

impl Naive {
    pub fn place(&mut self, mut came: Wanted) {
        while came.quantity > 0 {
            let meets = self.standing.iter().enumerate().filter(|(_, it)| {
                let crosses =
                    if came.buys { it.price <= came.price } else { it.price >= came.price.max(1) };
                it.buys != came.buys && crosses
            });
            // The best price, and of several the first in the list.
            let best = meets
                .min_by_key(|(place, it)| (if it.buys { -it.price } else { it.price }, *place));
            let Some((place, _)) = best else { break };
            let stood = &mut self.standing[place];
            let quantity = came.quantity.min(stood.quantity);
            let (buyer, seller) = if came.buys { (came.id, stood.id) } else { (stood.id, came.id) };
            self.fills.push((buyer, seller, quantity, stood.price));
            came.quantity -= quantity;
            stood.quantity -= quantity;
            if stood.quantity == 0 {
                self.standing.remove(place);
            }
        }
        if came.quantity > 0 && (came.buys || came.price > 0) {
            self.standing.push(came);
        }
    }

    pub fn amend(&mut self, id: InstructionId, price: i64, quantity: i64) {
        let Some(place) = self.standing.iter().position(|it| it.id == id) else {
            self.refused += 1;
            return;
        };
        let stood = &mut self.standing[place];
        if quantity > 0 && price == stood.price && quantity <= stood.quantity {
            stood.quantity = quantity;
            return;
        }
        let stood = self.standing.remove(place);
        if quantity > 0 {
            self.place(Wanted { price, quantity, ..stood });
        }
    }

    pub fn cancel(&mut self, id: InstructionId) {
        match self.standing.iter().position(|it| it.id == id) {
            Some(place) => drop(self.standing.remove(place)),
            None => self.refused += 1,
        }
    }

    pub fn end_day(&mut self) {
        self.standing.clear();
    }
}
