/* Calls the Rust code of control/, which does the fault whose number is the argument. */
#include <stdio.h>
#include <stdlib.h>

int control(int fault);

int main(int argc, char **argv)
{
    printf("%d\n", control(argc > 1 ? atoi(argv[1]) : 0));
    return 0;
}
