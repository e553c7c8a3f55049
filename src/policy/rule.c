#include "policy/rule.h"

#define ROW(id, name) { RULE_##id, name, TEXT_RULE_##id }

static const struct {
    uint16_t rule;
    const char *name;
    enum text_id text;
} rows[] = {
    ROW(A1, "A1"),     ROW(A2, "A2"),     ROW(A3, "A3"),       ROW(A4, "A4"),       ROW(A5, "A5"),   ROW(A6, "A6"),
    ROW(A7, "A7"),     ROW(A8, "A8"),     ROW(A9, "A9"),       ROW(A10, "A10"),     ROW(A10A, "A10a"),
    ROW(A10B, "A10b"), ROW(A11, "A11"),   ROW(A12, "A12"),     ROW(A13, "A13"),     ROW(A14, "A14"), ROW(A15, "A15"),
    ROW(A16, "A16"),   ROW(A17, "A17"),   ROW(A18, "A18"),     ROW(A19, "A19"),     ROW(A20, "A20"), ROW(A21, "A21"),
    ROW(A22, "A22"),   ROW(A23, "A23"),   ROW(A23A, "A23a"),   ROW(A23B, "A23b"),   ROW(A24, "A24"), ROW(A25, "A25"),
    ROW(A26, "A26"),   ROW(A27, "A27"),   ROW(A28, "A28"),     ROW(A29, "A29"),     ROW(A30, "A30"), ROW(A31, "A31"),
    ROW(A32, "A32"),   ROW(A33, "A33"),   ROW(A34, "A34"),     ROW(A35, "A35"),     ROW(A36, "A36"), ROW(A37, "A37"),
    ROW(A38, "A38"),   ROW(A39, "A39"),   ROW(A40, "A40"),     ROW(A41, "A41"),     ROW(A42, "A42"), ROW(A43, "A43"),
    ROW(A44, "A44"),   ROW(A45, "A45"),   ROW(A46, "A46"),
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

const char *rule_name(uint16_t rule)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].rule == rule)
            return rows[i].name;
    }
    return "";
}

uint16_t rule_parse(struct slice name)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (slice_equal_nocase(name, slice_of(rows[i].name)))
            return rows[i].rule;
    }
    return RULE_NONE;
}

uint8_t rule_number(uint16_t rule)
{
    return (uint8_t)(rule / 10);
}

enum text_id rule_text(uint16_t rule)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].rule == rule)
            return rows[i].text;
    }
    return TEXT_NONE;
}
