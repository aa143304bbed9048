/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * list.h - the doubly linked list of the library. A node is a member of what is listed; a list that
 * is all zero is empty. A node belongs to at most one list at a time, and does not know which.
 */
#ifndef EMQXI_LIST_H
#define EMQXI_LIST_H

#include <stddef.h>

typedef struct emqxi_node {
    struct emqxi_node *previous, *next;
} emqxi_node;

typedef struct emqxi_list {
    emqxi_node *first, *last;
} emqxi_list;

/* What a node that is not NULL is a member of. */
#define EMQXI_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void emqxi_list_append(emqxi_list *list, emqxi_node *node)
{
    node->previous = list->last;
    node->next = NULL;
    *(list->last ? &list->last->next : &list->first) = node;
    list->last = node;
}

static inline void emqxi_list_remove(emqxi_list *list, emqxi_node *node)
{
    *(node->previous ? &node->previous->next : &list->first) = node->next;
    *(node->next ? &node->next->previous : &list->last) = node->previous;
    node->previous = node->next = NULL;
}

#endif
