/* The rules of delivery by their stable numbers, as docs/DELIVERY.md has them: every decision names the one that took it.
 *
 * A rule is a number that is stored with a recipient: ten times its number plus one for each letter behind it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/text.h"

#define RULE(number) ((number) * 10)
#define RULE_LETTER(number, letter) ((number) * 10 + (letter) - 'a' + 1)

enum rule {
    RULE_NONE = 0,
    RULE_A1 = RULE(1), RULE_A2 = RULE(2), RULE_A3 = RULE(3), RULE_A4 = RULE(4), RULE_A5 = RULE(5), RULE_A6 = RULE(6),
    RULE_A7 = RULE(7), RULE_A8 = RULE(8), RULE_A9 = RULE(9), RULE_A10 = RULE(10), RULE_A10A = RULE_LETTER(10, 'a'),
    RULE_A10B = RULE_LETTER(10, 'b'), RULE_A11 = RULE(11), RULE_A12 = RULE(12), RULE_A13 = RULE(13),
    RULE_A14 = RULE(14), RULE_A15 = RULE(15), RULE_A16 = RULE(16), RULE_A17 = RULE(17), RULE_A18 = RULE(18),
    RULE_A19 = RULE(19), RULE_A20 = RULE(20), RULE_A21 = RULE(21), RULE_A22 = RULE(22), RULE_A23 = RULE(23),
    RULE_A23A = RULE_LETTER(23, 'a'), RULE_A23B = RULE_LETTER(23, 'b'), RULE_A24 = RULE(24), RULE_A25 = RULE(25),
    RULE_A26 = RULE(26), RULE_A27 = RULE(27), RULE_A28 = RULE(28), RULE_A29 = RULE(29), RULE_A30 = RULE(30),
    RULE_A31 = RULE(31), RULE_A32 = RULE(32), RULE_A33 = RULE(33), RULE_A34 = RULE(34), RULE_A35 = RULE(35),
    RULE_A36 = RULE(36), RULE_A37 = RULE(37), RULE_A38 = RULE(38), RULE_A39 = RULE(39), RULE_A40 = RULE(40),
    RULE_A41 = RULE(41), RULE_A42 = RULE(42), RULE_A43 = RULE(43), RULE_A44 = RULE(44), RULE_A45 = RULE(45),
    RULE_A46 = RULE(46),
};

const char *rule_name(uint16_t rule);       /* "A10a"; "" for RULE_NONE and what is not known */
uint16_t rule_parse(struct slice name);     /* RULE_NONE when it is not known */
uint8_t rule_number(uint16_t rule);         /* 10 for A10a: the queue's sets of rules */
enum text_id rule_text(uint16_t rule);      /* one sentence that says what it decides; TEXT_NONE for RULE_NONE */
